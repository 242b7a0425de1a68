exports.handler = (context, event, callback) => {
  const { 'x-custom': custom, 'user-agent': agent, via } = event.request.headers;
  callback(null, { custom, agent, via: String(via) });
};
