// differs: the answer has the message and the stack there; here they are in the log
exports.handler = async (context, event) => { if (!event.quiet) throw new Error('on purpose'); };
