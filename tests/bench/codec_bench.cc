// Per-byte costs compared with memcpy, measured in the same run: unmasking (RFC 6455, section 5.3)
// and UTF-8 validation, in bytes per second.
//   build/release/tests/bench/codec
#include <benchmark/benchmark.h>

#include <array>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "gateway/base/bytes.h"
#include "gateway/ws/mask.h"
#include "gateway/ws/utf8.h"

namespace upgate::bench {
namespace {

constexpr std::array<std::byte, 4> kMask{std::byte{0x37}, std::byte{0xfa}, std::byte{0x21},
                                         std::byte{0x3d}};

std::string Repeat(std::string_view piece, std::size_t size) {
  std::string text;
  while (text.size() + piece.size() <= size) text += piece;
  return text.append(size - text.size(), 'x');
}

void Report(benchmark::State& state, std::size_t bytes) {
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(bytes));
}

void Memcpy(benchmark::State& state) {
  const auto size = static_cast<std::size_t>(state.range(0));
  const std::vector<std::byte> from(size);
  std::vector<std::byte> to(size);
  for (auto _ : state) {
    std::memcpy(to.data(), from.data(), size);
    benchmark::ClobberMemory();
  }
  Report(state, size);
}

// As in frames: the payload may begin at any address and at any byte of the mask.
void Unmask(benchmark::State& state) {
  const auto size = static_cast<std::size_t>(state.range(0));
  std::vector<std::byte> buffer(size + 6);
  std::uint8_t phase = 0;
  for (auto _ : state) {
    phase = ws::Mask(MutableBytes(buffer).subspan(6), kMask, phase);
    benchmark::ClobberMemory();
  }
  Report(state, size);
}

void CheckUtf8(benchmark::State& state, std::string_view piece) {
  const std::string text = Repeat(piece, static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) {
    ws::Utf8Checker checker;
    bool fine = checker.Feed(AsBytes(text));
    benchmark::DoNotOptimize(fine);
  }
  Report(state, text.size());
}

void Sizes(benchmark::internal::Benchmark* benchmark) {
  benchmark->Arg(64)->Arg(1024)->Arg(65536);
}

BENCHMARK(Memcpy)->Apply(Sizes);
BENCHMARK(Unmask)->Apply(Sizes);
BENCHMARK_CAPTURE(CheckUtf8, ascii, "The quick brown fox jumps over the lazy dog. ")->Apply(Sizes);
BENCHMARK_CAPTURE(CheckUtf8, latin,
                  "Zwölf Boxkämpfer jagen Viktor quer über den großen Sylter Deich. ")
    ->Apply(Sizes);
BENCHMARK_CAPTURE(CheckUtf8, chinese, "天地玄黃宇宙洪荒日月盈昃辰宿列張寒來暑往秋收冬藏")
    ->Apply(Sizes);
BENCHMARK_CAPTURE(CheckUtf8, emoji, "🦊🐶🐱🦁🐯🐴🦄🐮")->Apply(Sizes);

}  // namespace
}  // namespace upgate::bench

BENCHMARK_MAIN();
