exports.handler = (context, event, callback) => callback(null, 'never by its URL');
