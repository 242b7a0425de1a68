exports.handler = (context, event, callback) => {
  const helper = require(Runtime.getFunctions()['nested/helper'].path);
  callback(null, { helped: helper.help(2), functions: Object.keys(Runtime.getFunctions()).filter((it) => it < 'b').sort() });
};
