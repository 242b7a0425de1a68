// differs: neither `export` nor line breaks in quotes are read there
exports.handler = (context, event, callback) => callback(null, [context.EXPORTED, context.MULTILINE]);
