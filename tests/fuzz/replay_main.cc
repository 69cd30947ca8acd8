// Runs a fuzzer quickly over the files of a folder, without libFuzzer: replay FOLDER [CHANGES]
// For each input it also runs all prefixes, and CHANGES deterministic variants with a few bytes
// changed.

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "tests/fuzz/fuzz.h"

namespace {

// More prefixes of one input add little.
constexpr std::size_t kMostBeginnings = 400;

void Run(const std::string& input) {
  // In a heap block of exactly its size, so that sanitizers detect reads past its end.
  const std::vector<std::uint8_t> bytes(input.begin(), input.end());
  LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
}

void RunBeginnings(const std::string& input) {
  const std::size_t step = 1 + input.size() / kMostBeginnings;
  for (std::size_t size = 0; size < input.size(); size += step) Run(input.substr(0, size));
}

void RunChanged(const std::string& input, int changes) {
  if (input.empty()) return;
  std::mt19937 random(7);
  for (int i = 0; i < changes; ++i) {
    std::string changed = input;
    for (std::size_t n = 1 + random() % 3; n > 0; --n)
      changed[random() % changed.size()] = static_cast<char>(random());
    Run(changed);
  }
}

std::vector<std::filesystem::path> FilesIn(const char* folder) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    files.push_back(entry.path());
  std::ranges::sort(files);
  return files;
}

std::string ReadFile(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fputs("usage: replay FOLDER [CHANGES]\n", stderr);
    return 2;
  }
  const int changes = argc > 2 ? std::atoi(argv[2]) : 0;
  const auto files = FilesIn(argv[1]);
  if (files.empty()) {
    std::fprintf(stderr, "no inputs in %s\n", argv[1]);
    return 1;
  }
  for (const auto& file : files) {
    // Identifies the input if something aborts.
    std::printf("%s\n", file.filename().c_str());
    std::fflush(stdout);
    const std::string input = ReadFile(file);
    Run(input);
    RunBeginnings(input);
    RunChanged(input, changes);
  }
  return 0;
}
