exports.handler = (context, event, callback) => {
  const response = new Twilio.Response();
  response.setCookie('seen', 'yes', ['Path=/', 'HttpOnly']).setCookie('other', '1');
  response.removeCookie('gone').setBody(event.request.cookies);
  callback(null, response);
};
