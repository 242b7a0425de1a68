const { greet } = require(Runtime.getFunctions()['helpers/texts'].path);

exports.handler = (context, event, callback) => {
  const { bound } = require(Functions['helpers/shared'].path);
  const keys = Object.keys(Runtime.getFunctions()).filter((it) => it.startsWith('helpers/'));
  callback(null, { greeting: greet('Ann'), said: bound(context, event).say(), keys: keys.sort() });
};
