exports.handler = (context, event, callback) => callback(null, { origins: [context.PATH] });
