// One function hands its call to another.
exports.handler = (context, event, callback) => {
  const { handler } = require(Runtime.getFunctions()['voice-menu'].path);
  return handler(context, { ...event, Digits: '1' }, callback);
};
