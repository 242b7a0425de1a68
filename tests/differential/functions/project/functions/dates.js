// differs: a date is a text without quotes there, if each request has a process
exports.handler = (context, event, callback) => callback(null, new Date(0));
