mkdir -p fuzz/libfuzzer
