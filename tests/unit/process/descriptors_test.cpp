// Callers never take the descriptors that the gateway itself needs.
#include "gateway/process/descriptors.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

namespace tollgate::process {
namespace {

TEST(Descriptors, TheSoftLimitIsRaisedToTheHardOne) {
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit low = before;
  low.rlim_cur = 100;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &low), 0);
  EXPECT_EQ(raise_descriptor_limit(), before.rlim_max);
  rlimit after{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &after), 0);
  EXPECT_EQ(after.rlim_cur, before.rlim_max);
  ::setrlimit(RLIMIT_NOFILE, &before);
}

TEST(Descriptors, WhatIsOpenIsCounted) {
  const auto before = open_descriptors();
  const int one = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  ASSERT_GE(one, 0);
  EXPECT_EQ(open_descriptors(), before + 1);
  ::close(one);
}

TEST(Descriptors, ACallerMayNeedOneMoreForItsProviderAndSomeAreLeft) {
  EXPECT_EQ(carried_connections(1024, 40), 460U);
  EXPECT_EQ(carried_connections(20'000, 936), 9500U);
  EXPECT_EQ(carried_connections(64, 60), 1U) << "one caller at a time is better than none";
  EXPECT_EQ(carried_connections(0, 0), 1U);
}

}  // namespace
}  // namespace tollgate::process
