exports.handler = (context, event, callback) => {
  const headers = { 'X-One': '1', 'X-List': ['a', 'b'], 'Content-Type': 'text/csv' };
  callback(null, new Twilio.Response({ body: 'a,b\n', statusCode: 201, headers }));
};
