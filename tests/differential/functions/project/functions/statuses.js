exports.handler = (context, event, callback) => {
  const response = new Twilio.Response();
  response.setStatusCode(event.text ? event.status ?? '201' : Number(event.status ?? 404));
  response.setBody({ success: false, message: 'é' });
  callback(null, response);
};
