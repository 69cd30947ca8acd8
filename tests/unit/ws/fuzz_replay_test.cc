// The fuzzers' inputs, run through the fuzzers' own code in the ordinary tests. A finding aborts,
// as it does there.

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/fuzz/frame_decoder_fuzz.cc"

namespace upgate::ws {
namespace {

void Replay(const std::string& input) {
  EXPECT_EQ(
      LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(input.data()), input.size()), 0);
}

std::vector<std::string> Corpus() {
  std::vector<std::string> inputs;
  const std::filesystem::path folder = UPGATE_SOURCE_DIR "/tests/fuzz/corpus/frame_decoder";
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    std::ifstream file(entry.path(), std::ios::binary);
    inputs.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  std::ranges::sort(inputs);
  return inputs;
}

TEST(FuzzReplay, Corpus) {
  const std::vector<std::string> corpus = Corpus();
  EXPECT_GE(corpus.size(), 10u);
  for (const std::string& input : corpus) Replay(input);
}

TEST(FuzzReplay, CorpusCutAndChanged) {
  std::mt19937 random(7);
  for (std::string input : Corpus()) {
    for (std::size_t size = 0; size < input.size(); ++size) Replay(input.substr(0, size));
    for (int i = 0; i < 200 && !input.empty(); ++i) {
      input[random() % input.size()] = static_cast<char>(random());
      Replay(input);
    }
  }
}

}  // namespace
}  // namespace upgate::ws
