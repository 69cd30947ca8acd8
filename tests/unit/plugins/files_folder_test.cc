// Only files below a folder; with openat2() of the kernel and without it.
#include <sys/socket.h>
#include <sys/un.h>

#include <cstdlib>
#include <string>

#include <gtest/gtest.h>

#include "plugins/files/folder.h"
#include "tests/support/cases.h"
#include "tests/support/temp_folder.h"

namespace upgate::plugins::files {
namespace {

using test::TempFolder;
using Way = Folder::Way;

class FolderTest : public TestOfCase<Way> {
 protected:
  FolderTest() {
    outside_.Write("secret.txt", "secret");
    outside_.Write("sub/secret.txt", "secret");
    inside_.Write("a.txt", "hello");
    inside_.Write("sub/deep/b.txt", "b");
    auto folder = Folder::Open(inside_.path().string(), GetParam());
    if (folder) folder_ = std::move(*folder);
  }

  // "5 bytes", or the error.
  std::string Try(const std::string& path) const {
    const auto file = folder_.OpenBeneath(path);
    if (file) return std::to_string(file->size) + " bytes";
    switch (file.error()) {
      case OpenError::kNotFound:
        return "not found";
      case OpenError::kFolder:
        return "folder";
      case OpenError::kForbidden:
        return "forbidden";
      case OpenError::kBusy:
        return "busy";
      case OpenError::kBroken:
        return "broken";
    }
    return "?";
  }

  TempFolder outside_;
  TempFolder inside_;
  Folder folder_;
};
INSTANTIATE_NAMED_CASES(
    Ways, FolderTest, [](const auto& of) { return of.param == Way::kKernel ? "Kernel" : "Walk"; },
    Way::kKernel, Way::kWalk);

TEST_EACH(FolderTest, FilesAreFoundAtEveryDepth) {
  EXPECT_EQ(folder_.way(), GetParam());
  EXPECT_EQ(Try("a.txt"), "5 bytes");
  EXPECT_EQ(Try("sub/deep/b.txt"), "1 bytes");
  EXPECT_EQ(Try("sub"), "folder");
  EXPECT_EQ(Try("sub/deep"), "folder");
  const auto file = folder_.OpenBeneath("a.txt");
  EXPECT_EQ(file->modified_s, 1'600'000'000);
  EXPECT_EQ(file->modified_ns, 0u);
}

TEST_EACH(FolderTest, MissingFilesAreNotFound) {
  EXPECT_EQ(Try("b.txt"), "not found");
  EXPECT_EQ(Try("a.txt/b"), "not found");
  EXPECT_EQ(Try("nothing/b.txt"), "not found");
  EXPECT_EQ(Try(""), "not found");
  EXPECT_EQ(Try(std::string(300, 'n')), "not found");
  std::string deep = "sub";
  for (int i = 0; i < 5000; ++i) deep += "/sub";
  EXPECT_EQ(Try(deep), "not found");
}

TEST_EACH(FolderTest, NoPathLeavesTheFolder) {
  const std::string name = outside_.path().filename().string();
  for (const std::string& path :
       {"../" + name + "/secret.txt", "sub/../../" + name + "/secret.txt",
        outside_.At("secret.txt"), std::string("../../../../../../etc/passwd"),
        std::string("/etc/passwd"), std::string("..")}) {
    EXPECT_EQ(Try(path), "not found") << path;
  }
}

TEST_EACH(FolderTest, SymbolicLinksToTheOutsideAreNotFollowed) {
  inside_.Link("file", outside_.At("secret.txt"));
  inside_.Link("folder", outside_.path());
  inside_.Link("up", "..");
  inside_.Link("sub/up", "../../" + outside_.path().filename().string());
  inside_.Link("magic", "/proc/self/cwd");
  inside_.Link("round", "round");
  inside_.Link("chain", "file");
  for (const std::string path :
       {"file", "folder/secret.txt", "folder/sub/secret.txt", "up/etc/passwd", "sub/up/secret.txt",
        "magic/a.txt", "round", "chain", "folder"}) {
    EXPECT_EQ(Try(path), "not found") << path;
  }
}

TEST_EACH(FolderTest, SymbolicLinksInsideAreFollowedWhereTheKernelKeepsThemThere) {
  inside_.Link("link.txt", "a.txt");
  inside_.Link("sub/up.txt", "../a.txt");
  inside_.Link("short", "sub/deep");
  const bool kernel = GetParam() == Way::kKernel;
  EXPECT_EQ(Try("link.txt"), kernel ? "5 bytes" : "not found");
  EXPECT_EQ(Try("sub/up.txt"), kernel ? "5 bytes" : "not found");
  EXPECT_EQ(Try("short/b.txt"), kernel ? "1 bytes" : "not found");
}

TEST_EACH(FolderTest, OnlyRegularFilesAreOpened) {
  inside_.Fifo("fifo");  // opening it would wait for a writer
  EXPECT_EQ(Try("fifo"), "not found");
  const int listener = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  inside_.At("socket").copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(::bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  EXPECT_EQ(Try("socket"), "not found");
  ::close(listener);
  auto devices = Folder::Open("/dev", GetParam());
  ASSERT_TRUE(devices);
  EXPECT_EQ(devices->OpenBeneath("null").error(), OpenError::kNotFound);
}

// Drops root privileges, because root may open everything.
class WithoutRoot {
 public:
  WithoutRoot() : root_(::geteuid() == 0 && ::seteuid(65534) == 0) {}
  ~WithoutRoot() {
    if (root_ && ::seteuid(0) != 0) std::abort();
  }

 private:
  bool root_ = false;
};

TEST_EACH(FolderTest, WhatTheSystemForbidsIsForbidden) {
  ::chmod(inside_.path().c_str(), 0755);
  ::chmod(inside_.At("a.txt").c_str(), 0);
  ::chmod(inside_.At("sub").c_str(), 0);
  {
    const WithoutRoot without_root;
    EXPECT_EQ(Try("a.txt"), "forbidden");
    EXPECT_EQ(Try("sub/deep/b.txt"), "forbidden");
    EXPECT_EQ(Folder::Open(inside_.At("sub")).error().message, "Permission denied");
  }
  ::chmod(inside_.At("sub").c_str(), 0755);
}

TEST_EACH(FolderTest, AFolderThatIsRenamedIsServedOn) {
  TempFolder parent;
  parent.Write("old/a.txt", "12");
  auto folder = Folder::Open(parent.At("old"), GetParam());
  ASSERT_TRUE(folder);
  std::filesystem::rename(parent.At("old"), parent.At("new"));
  parent.Write("old/a.txt", "123");
  EXPECT_EQ(folder->OpenBeneath("a.txt")->size, 2u);
}

TEST_EACH(FolderTest, NoDescriptorIsLeftOpen) {
  inside_.Fifo("fifo");
  inside_.Link("out", outside_.path());
  const std::size_t before = test::OpenDescriptors();
  for (const char* path :
       {"a.txt", "sub", "sub/deep/b.txt", "fifo", "out/secret.txt", "nothing", "sub/deep/nothing"})
    Try(path);
  EXPECT_EQ(test::OpenDescriptors(), before);
}

TEST(FolderOpenTest, TheReasonIsTheSystems) {
  const TempFolder folder;
  folder.Write("file", "");
  EXPECT_EQ(Folder::Open(folder.At("nothing")).error().message, "No such file or directory");
  EXPECT_EQ(Folder::Open(folder.At("file")).error().message, "Not a directory");
  EXPECT_TRUE(Folder::Open(folder.path().string()));
}

}  // namespace
}  // namespace upgate::plugins::files
