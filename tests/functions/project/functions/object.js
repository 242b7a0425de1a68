exports.handler = (context, event, callback) => callback(null, { name: 'é 😀', n: 1.5 });
