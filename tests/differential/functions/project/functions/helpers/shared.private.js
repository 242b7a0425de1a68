exports.salutation = 'Dear';
module.exports.bound = (context, event) => ({
  say: () => `${context.PATH} for ${event.From ?? 'nobody'}`,
});
