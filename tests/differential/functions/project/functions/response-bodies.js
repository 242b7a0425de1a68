const BODIES = {
  zero: 0, yes: true, text: 'x', none: null, undef: undefined, list: [1], nothing: '',
  map: new Map([[1, 2]]), error: new Error('e'),
};

exports.handler = (context, event, callback) => {
  const response = new Twilio.Response();
  if (event.type) response.appendHeader('Content-Type', event.type);
  response.setBody(BODIES[event.body ?? 'text']);
  callback(null, response);
};
