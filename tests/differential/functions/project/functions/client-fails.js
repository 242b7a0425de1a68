// Nothing listens there: what the package throws reaches the function.
exports.handler = async (context, event, callback) => {
  const { username, password } = context.getTwilioClient();
  try {
    await require('axios').post('http://127.0.0.1:9/', {}, { auth: { username, password } });
  } catch (error) {
    const response = new Twilio.Response();
    response.setStatusCode(error.status || 400);
    response.setBody(error.code);
    return callback(null, response);
  }
};
