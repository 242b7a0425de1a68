const { execFile } = require('child_process');

exports.handler = (context, event, callback) => {
  execFile('/bin/echo', ['from a child'], (error, stdout) => callback(error, stdout));
};
