//! The elements of speech markup (SSML) in `Say`. Data only.

use super::element::TextContent::{Forbidden, Optional, Required};
use super::element::declare;
use super::values::AttributeType::OneOf;
use super::values::*;

declare! {
    SSML_BREAK "break", Forbidden, [] {
        "strength": OneOf(SSML_BREAK_STRENGTH), "time": TEXT,
    }

    SSML_EMPHASIS "emphasis", Optional, [SSML_BREAK, SSML_EMPHASIS, SSML_LANG, SSML_PHONEME,
        SSML_PROSODY, SSML_SAY_AS, SSML_SUB, SSML_W] {
        "level": OneOf(SSML_EMPHASIS_LEVEL),
    }

    SSML_LANG "lang", Optional, [SSML_BREAK, SSML_EMPHASIS, SSML_LANG, SSML_P, SSML_PHONEME,
        SSML_PROSODY, SSML_S, SSML_SAY_AS, SSML_SUB, SSML_W] {
        "xml:lang": OPEN,
    }

    SSML_P "p", Optional, [SSML_BREAK, SSML_EMPHASIS, SSML_LANG, SSML_PHONEME, SSML_PROSODY, SSML_S,
        SSML_SAY_AS, SSML_SUB, SSML_W] {}

    SSML_PHONEME "phoneme", Required, [] {
        "alphabet": OneOf(SSML_PHONEME_ALPHABET), "ph": TEXT,
    }

    SSML_PROSODY "prosody", Optional, [SSML_BREAK, SSML_EMPHASIS, SSML_LANG, SSML_P, SSML_PHONEME,
        SSML_PROSODY, SSML_S, SSML_SAY_AS, SSML_SUB, SSML_W] {
        "pitch": TEXT, "rate": TEXT, "volume": TEXT,
    }

    SSML_S "s", Optional, [SSML_BREAK, SSML_EMPHASIS, SSML_LANG, SSML_PHONEME, SSML_PROSODY,
        SSML_SAY_AS, SSML_SUB, SSML_W] {}

    SSML_SAY_AS "say-as", Required, [] {
        "format": OneOf(SSML_SAY_AS_FORMAT), "interpret-as": OneOf(SSML_SAY_AS_INTERPRET_AS),
    }

    SSML_SUB "sub", Required, [] {
        "alias": TEXT,
    }

    SSML_W "w", Optional, [SSML_BREAK, SSML_EMPHASIS, SSML_PHONEME, SSML_PROSODY, SSML_SAY_AS,
        SSML_SUB] {
        "role": TEXT,
    }
}
