exports.handler = (context, event, callback) => callback(new Error('with a stack'));
