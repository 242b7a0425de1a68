//! What the user's function answers.

/// TwiML of 254 bytes, as a menu returns it. On `/twiml`.
pub const TWIML: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\
<Response><Gather input=\"dtmf\" numDigits=\"1\" action=\"/voice/menu\" timeout=\"6\">\
<Say language=\"en-US\">For opening hours press 1, for an agent press 2.</Say></Gather>\
<Say>We did not hear anything. Goodbye.</Say></Response>";

/// A customer's record of about 700 bytes, as a lookup returns it. On `/json`.
pub const JSON: &str = r#"{"person":{"name":"Ada Byron","language":"en-GB","vip":true,
"phone":"+15550101","email":"ada@example.com","since":"2019-04-02"},
"account":{"number":"A-20931","plan":"gold","balance":{"amount":1830,"currency":"GBP"}},
"orders":[{"id":90211,"state":"shipped","item":"Difference engine, part 7","days":2},
{"id":90254,"state":"packed","item":"Punched cards, box of 500","days":4},
{"id":90307,"state":"waiting","item":"Brass gear, 32 teeth","days":9}],
"queue":{"name":"support","waiting":3,"minutes":7,"open":true},
"menu":[{"digit":1,"text":"opening hours"},{"digit":2,"text":"an agent"},
{"digit":3,"text":"your last order"}],
"note":"Prefers to be called in the afternoon & by first name"}"#;

/// The content type of [`TWIML`].
pub const TWIML_TYPE: &str = "text/xml; charset=utf-8";

/// The content type of [`JSON`].
pub const JSON_TYPE: &str = "application/json; charset=utf-8";
