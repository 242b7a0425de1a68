const help = () => 'helped';
module.exports = { help, handler: (context, event, callback) => callback(null, module.exports.help()) };
