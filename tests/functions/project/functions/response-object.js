exports.handler = (context, event, callback) => {
  const response = new Twilio.Response();
  response.setHeaders({ 'X-Set': 'yes' }).setBody({ in: 'a body' });
  callback(null, response);
};
