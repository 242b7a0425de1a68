exports.handler = (context, event, callback) => callback('a reason');
