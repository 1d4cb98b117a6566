-- A small Neovim session: timers, a spawned job, file reads, and one callback
-- that blocks its loop.  How long it blocks: g:stall_ms, 300 unless set; 0 for
-- not at all.  It prints what it did, in an order that does not depend on time.
--
--   nvim --headless -u NONE -i NONE -n -c 'luafile samples/demo.lua'
local uv = vim.loop
local stall_ms = vim.g.stall_ms or 300
local here = debug.getinfo(1, 'S').source:sub(2)
local done = {}
local finish -- below

local function step(name, result)
  done[#done + 1] = name .. ': ' .. result
  if #done == 4 then
    vim.schedule(finish)
  end
end

function finish()
  table.sort(done)
  io.stdout:write(table.concat(done, '\n'), '\n')
  vim.cmd('qall!')
end

-- A timer that beats twenty times.
local beats = 0
local heartbeat = uv.new_timer()
heartbeat:start(10, 10, function()
  beats = beats + 1
  if beats == 20 then
    heartbeat:close()
    step('heartbeat', beats .. ' beats')
  end
end)

-- A job, and what it says.
vim.fn.jobstart({ 'sh', '-c', 'echo from the job' }, {
  stdout_buffered = true,
  on_stdout = function(_, lines)
    step('job', lines[1])
  end,
})

-- This file, read in pieces by the thread pool.
local function read_all(fd, offset, total)
  uv.fs_read(fd, 512, offset, function(err, data)
    assert(not err, err)
    if #data > 0 then
      read_all(fd, offset + #data, total + #data)
    else
      uv.fs_close(fd, function()
        step('file', total == uv.fs_stat(here).size and 'whole' or 'short')
      end)
    end
  end)
end
uv.fs_open(here, 'r', 384, function(err, fd)
  assert(not err, err)
  read_all(fd, 0, 0)
end)

-- The callback that this is about.
local sleeper = uv.new_timer()
sleeper:start(60, 0, function()
  if stall_ms > 0 then
    uv.sleep(stall_ms)
  end
  sleeper:close()
  step('sleeper', 'awake')
end)
