// The facts for an answer to a message. Its words are in templates/message/reply.xml.
const { statusOf } = require(Runtime.getFunctions()['orders'].path);

exports.handler = function (context, event, callback) {
  const [word = '', number = ''] = event.Body.trim().toLowerCase().split(/\s+/);
  if (word === 'hours') {
    const hours = JSON.parse(Runtime.getAssets()['/hours.json'].open());
    return callback(null, { topic: 'hours', hours });
  }
  if (word === 'order') {
    return callback(null, { topic: 'order', number, status: statusOf(number) });
  }
  return callback(null, { topic: 'help', said: event.Body });
};
