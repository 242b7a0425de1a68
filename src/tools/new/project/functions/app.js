// The function of this project: a web server that answers JSON. It needs no packages.
//
// twimlgate posts the parameters of the flow and those of the carrier as a form. JSON becomes
// variables of the flow; TwiML (text/xml) would go to the caller as it is.
const http = require('node:http');

function hours() {
  const weekend = [0, 6].includes(new Date().getDay());
  return weekend ? { opens: '10', closes: '14' } : { opens: '9', closes: '17' };
}

http
  .createServer((request, response) => {
    request.resume();
    request.on('end', () => {
      response.setHeader('Content-Type', 'application/json');
      response.end(JSON.stringify(hours()));
    });
  })
  .listen(Number(process.env.PORT || 9000), '127.0.0.1');
