const fs = require('fs');
const os = require('os');
const path = require('path');

exports.handler = (context, event, callback) => {
  const file = path.join(os.tmpdir(), 'a file.txt');
  fs.writeFileSync(file, 'written');
  fs.appendFileSync(file, ' twice');
  const text = fs.readFileSync(file, 'utf8');
  fs.unlinkSync(file);
  callback(null, text);
};
