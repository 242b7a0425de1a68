exports.handler = (context, event, callback) => {
  const response = new Twilio.Response();
  response.appendHeader('Content-Type', 'image/png');
  response.setBody(Buffer.from([137, 80, 78, 71, 0, 255]));
  callback(null, response);
};
