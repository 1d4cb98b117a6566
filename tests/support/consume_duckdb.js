// Run a query over exported rows with DuckDB; its rows as JSON on stdout.
const {DuckDBInstance} = require('@duckdb/node-api');

(async () => {
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  const reader = await connection.runAndReadAll(process.argv[2]);
  console.log(JSON.stringify(reader.getRowObjectsJson()));
})().catch((error) => {
  console.error(String(error));
  process.exit(1);
});
