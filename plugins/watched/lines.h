#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace upgate::plugins {

// The entries of a file that has one per line; blank lines and lines that begin with '#' are none.
class Lines {
 public:
  explicit Lines(std::string_view text) : rest_(text) {}
  // The next entry, without white space around it; empty at the end.
  std::string_view Next();
  // The number of the line of the last entry, from 1.
  std::size_t number() const { return number_; }

 private:
  std::string_view rest_;
  std::size_t number_ = 0;
};

// What is wrong with the lines of a file, as one message: of at most ten of them.
class LineFaults {
 public:
  void Add(std::size_t number, std::string_view what);
  bool empty() const { return count_ == 0; }
  // "line 2 has ...; line 5 is ...; and 3 more".
  std::string ToString() const;

 private:
  static constexpr std::size_t kMost = 10;
  std::string text_;
  std::size_t count_ = 0;
};

}  // namespace upgate::plugins
