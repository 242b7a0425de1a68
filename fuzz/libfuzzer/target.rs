//! A target of `twimlgate_fuzz` for libFuzzer: which one, says the name of the program.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    twimlgate_fuzz::judge(env!("CARGO_BIN_NAME"), input);
});
