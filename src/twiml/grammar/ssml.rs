//! The speech markup in `Say`. Data only.

use super::Text::{None, Required, Some};
use super::Value::OneOf;
use super::declare;
use super::values::*;

declare! {
    SSML_BREAK "break", None, [] {
        "strength": OneOf(SSML_BREAK_STRENGTH), "time": TEXT,
    }

    SSML_EMPHASIS "emphasis", Some, [SSML_BREAK, SSML_EMPHASIS, SSML_LANG, SSML_PHONEME,
        SSML_PROSODY, SSML_SAY_AS, SSML_SUB, SSML_W] {
        "level": OneOf(SSML_EMPHASIS_LEVEL),
    }

    SSML_LANG "lang", Some, [SSML_BREAK, SSML_EMPHASIS, SSML_LANG, SSML_P, SSML_PHONEME,
        SSML_PROSODY, SSML_S, SSML_SAY_AS, SSML_SUB, SSML_W] {
        "xml:lang": OPEN,
    }

    SSML_P "p", Some, [SSML_BREAK, SSML_EMPHASIS, SSML_LANG, SSML_PHONEME, SSML_PROSODY, SSML_S,
        SSML_SAY_AS, SSML_SUB, SSML_W] {}

    SSML_PHONEME "phoneme", Required, [] {
        "alphabet": OneOf(SSML_PHONEME_ALPHABET), "ph": TEXT,
    }

    SSML_PROSODY "prosody", Some, [SSML_BREAK, SSML_EMPHASIS, SSML_LANG, SSML_P, SSML_PHONEME,
        SSML_PROSODY, SSML_S, SSML_SAY_AS, SSML_SUB, SSML_W] {
        "pitch": TEXT, "rate": TEXT, "volume": TEXT,
    }

    SSML_S "s", Some, [SSML_BREAK, SSML_EMPHASIS, SSML_LANG, SSML_PHONEME, SSML_PROSODY,
        SSML_SAY_AS, SSML_SUB, SSML_W] {}

    SSML_SAY_AS "say-as", Required, [] {
        "format": OneOf(SSML_SAY_AS_FORMAT), "interpret-as": OneOf(SSML_SAY_AS_INTERPRET_AS),
    }

    SSML_SUB "sub", Required, [] {
        "alias": TEXT,
    }

    SSML_W "w", Some, [SSML_BREAK, SSML_EMPHASIS, SSML_PHONEME, SSML_PROSODY, SSML_SAY_AS,
        SSML_SUB] {
        "role": TEXT,
    }
}
