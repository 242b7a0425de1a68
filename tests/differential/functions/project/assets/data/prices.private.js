module.exports = { total: (list) => list.reduce((sum, it) => sum + it.price, 0) };
