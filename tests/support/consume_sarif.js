// Validate SARIF logs with the schema that @microsoft/jest-sarif carries.
// Arguments: files.  Exit status 1 and the errors where one is not valid.
const fs = require('fs');
const path = require('path');

const home = path.dirname(require.resolve('@microsoft/jest-sarif/package.json'));
const Ajv = require(require.resolve('ajv', {paths: [home]}));
const draft = require(require.resolve('ajv/lib/refs/json-schema-draft-04.json',
                                      {paths: [home]}));
const schemas = path.join(home, 'lib', 'schemas');
const schema = JSON.parse(fs.readFileSync(
    path.join(schemas, 'sarif-2.1.0-rtm.5.json')));

const ajv = new Ajv({schemaId: 'auto', allErrors: true});
if (!ajv.getSchema('http://json-schema.org/draft-04/schema#')) {
  ajv.addMetaSchema(draft);
}
const validate = ajv.compile(schema);
let status = 0;
for (const file of process.argv.slice(2)) {
  if (!validate(JSON.parse(fs.readFileSync(file)))) {
    console.log(file, JSON.stringify(validate.errors.slice(0, 5), null, 1));
    status = 1;
  }
}
process.exit(status);
