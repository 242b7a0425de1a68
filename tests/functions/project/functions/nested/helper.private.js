exports.help = (n) => n * 21;
