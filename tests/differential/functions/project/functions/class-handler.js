class Handler {
  static handle(context, event, callback) { callback(null, { type: typeof Handler }); }
}
exports.handler = Handler.handle;
