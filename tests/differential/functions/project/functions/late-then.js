// Promises without `async`, and an error that the function handles itself.
exports.handler = (context, event, callback) => {
  Promise.reject(Object.assign(new Error('refused'), { status: 402 }))
    .catch((error) => {
      const response = new Twilio.Response();
      response.setStatusCode(error.status).setBody({ error: error.message });
      callback(null, response);
    });
};
