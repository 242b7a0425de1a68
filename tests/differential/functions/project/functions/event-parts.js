exports.handler = (context, { request, ...event }, callback) => {
  const owns = Object.hasOwn(event, 'From') || event.hasOwnProperty('Body');
  callback(null, { owns, event, order: Object.keys(event) });
};
