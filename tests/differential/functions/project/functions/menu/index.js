exports.handler = (context, event, callback) => callback(null, `index of ${context.PATH}`);
