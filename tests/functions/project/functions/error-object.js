exports.handler = (context, event, callback) => callback({ code: 7 });
