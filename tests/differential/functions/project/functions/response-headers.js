exports.handler = (context, event, callback) => {
  const response = new Twilio.Response({ statusCode: 202, headers: { 'X-First': 'one' } });
  response.appendHeader('X-List', 'a').appendHeader('X-List', 'b').appendHeader('X-Number', 7);
  response.appendHeader('set-cookie', 'low=1').setCookie('high', 'a b', ['Max-Age=60', 'Secure']);
  response.setCookie('gone', '1').removeCookie('gone');
  let refused;
  try { response.appendHeader('X-Object', {}); } catch (error) { refused = error.message; }
  response.setHeaders(undefined);
  callback(null, response.setBody({ refused, chained: response.setStatusCode(203) === response }));
};
