const missing = require('a-package-that-is-not-there');
exports.handler = (context, event, callback) => callback(null, missing);
