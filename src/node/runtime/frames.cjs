'use strict';
// The far end of `[functions]`: runs the Twilio Functions of a project in one Node process.
//
// The gateway has the other end of descriptor 0, a Unix socket pair. Frames are a little-endian
// u32 and that many bytes of JSON; `frame.rs` has their fields. The process gets one call at a
// time. Nothing listens, so only the gateway can call.
const { AsyncLocalStorage } = require('async_hooks');
const fs = require('fs');
const { createRequire, Module } = require('module');
const net = require('net');
const path = require('path');
const querystring = require('querystring');
const { Readable, Writable } = require('stream');
const { pathToFileURL } = require('url');
const util = require('util');
const vm = require('vm');

const FRAME_BYTES_MAX = 8 * 1024 * 1024;
const LOG_LINES_MAX = 200;
const LOG_TEXT_MAX = 8 * 1024;

const socket = new net.Socket({ fd: 0, readable: true, writable: true });
// A function that reads its standard input must not read the frames.
Object.defineProperty(process, 'stdin', { value: Readable.from([]), configurable: true });

const exitProcess = process.reallyExit.bind(process);
const { parse: parseJson, stringify } = JSON;
const current = new AsyncLocalStorage();
/** The project, as the first frame describes it. */
let project;
let tainted = false;

// --- frames ---------------------------------------------------------------------------------

let chunks = [];
let received = 0;
let needed = 4;
socket.on('data', (chunk) => {
  chunks.push(chunk);
  received += chunk.length;
  // Joined once: a large frame comes in a hundred pieces.
  while (received >= needed) {
    let bytes = chunks.length === 1 ? chunks[0] : Buffer.concat(chunks, received);
    needed = 4 + bytes.readUInt32LE(0);
    if (received >= needed) {
      const frame = parseJson(bytes.toString('utf8', 4, needed));
      bytes = bytes.subarray(needed);
      received -= needed;
      needed = 4;
      take(frame);
    }
    chunks = [bytes];
  }
});

function take(frame) {
  if (frame.init) init(frame.init);
  else if (frame.check) check(frame.check);
  else begin(frame);
}

// The gateway is gone.
socket.on('close', () => exitProcess(0));
socket.on('error', () => exitProcess(0));

function send(frame) {
  writeText(stringify(frame));
}

function writeText(text) {
  const length = Buffer.byteLength(text);
  const bytes = Buffer.allocUnsafe(4 + length);
  bytes.writeUInt32LE(length, 0);
  bytes.write(text, 4);
  socket.write(bytes);
}

// --- logs -----------------------------------------------------------------------------------

function log(level, text, call = current.getStore()) {
  const lines = call ?? project;
  lines.lines = (lines.lines ?? 0) + 1;
  if (lines.lines > LOG_LINES_MAX + 1) return;
  if (lines.lines > LOG_LINES_MAX) text = `more than ${LOG_LINES_MAX} lines: the rest is left out`;
  if (text.length > LOG_TEXT_MAX) text = `${text.slice(0, LOG_TEXT_MAX)}…`;
  send({ log: level, id: call?.id, text });
}

for (const level of ['debug', 'log', 'info', 'warn', 'error', 'trace']) {
  console[level] = (...values) => log(level, util.format(...values));
}
console.dir = (value, options) => log('log', util.inspect(value, options));

// What a logger writes directly has a line for each of its own. Node's own streams are not touched:
// they would make the descriptors non-blocking, and writes of native packages would fail.
for (const [name, level, fd] of [['stdout', 'log', 1], ['stderr', 'error', 2]]) {
  const write = (chunk, encoding, done) => {
    for (const line of String(chunk).split('\n')) if (line) log(level, line);
    done();
  };
  const stream = Object.assign(new Writable({ decodeStrings: false, write }), { fd });
  Object.defineProperty(process, name, { value: stream, configurable: true });
}
