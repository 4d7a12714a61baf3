// SPDX-License-Identifier: MIT
//
// What an image holds by its first bytes, and whether an extension fits.
#include <gtest/gtest.h>

#include <string>

#include "supervisor/launch/extension_release.hpp"
#include "supervisor/launch/image_format.hpp"

namespace hearth::launch {
namespace {

std::string head_with(std::size_t offset, const std::string& bytes) {
    std::string head(image_head_size, '\0');
    return head.replace(offset, bytes.size(), bytes);
}

void put(std::string& head, std::size_t offset, std::uint64_t value, std::size_t bytes) {
    for (std::size_t i = 0; i < bytes; ++i) {
        head[offset + i] = static_cast<char>((value >> (8 * i)) & 0xffU);
    }
}

TEST(ImageFormat, FileSystemsAreKnownByTheirMagic) {
    EXPECT_EQ(image_file_system(head_with(0, "hsqs")).type, "squashfs");
    EXPECT_FALSE(image_file_system(head_with(0, "hsqs")).writable);
    EXPECT_EQ(image_file_system(head_with(1024, "\xe2\xe1\xf5\xe0")).type, "erofs");
    EXPECT_EQ(image_file_system(head_with(0x10040, "_BHRfS_M")).type, "btrfs");
    std::string ext4 = head_with(1080, "\x53\xef");
    EXPECT_EQ(image_file_system(ext4).type, "ext4");
    EXPECT_TRUE(image_file_system(ext4).writable);
    EXPECT_FALSE(image_file_system(ext4).journal);
    ext4[0x45c] = 4;
    EXPECT_TRUE(image_file_system(ext4).journal);
    EXPECT_EQ(image_file_system(std::string(image_head_size, 'x')).type, "");
    EXPECT_EQ(image_file_system("").type, "");
    EXPECT_EQ(image_file_system("hs").type, "");
}

TEST(ImageFormat, OnePartitionOfAnMbrIsFound) {
    std::string head = head_with(510, "\x55\xaa");
    EXPECT_FALSE(only_partition(head));
    head[446 + 4] = '\x83';
    put(head, 446 + 8, 2048, 4);
    put(head, 446 + 12, 100, 4);
    ASSERT_TRUE(only_partition(head));
    EXPECT_EQ(*only_partition(head), (ImagePartition{1048576, 51200}));
    head[462 + 4] = '\x83';
    EXPECT_NE(only_partition(head).error().what.find("2 partitions"), std::string::npos);
    head[462 + 4] = '\x05';
    EXPECT_NE(only_partition(head).error().what.find("extended"), std::string::npos);
    EXPECT_NE(
        only_partition(std::string(1024, 'x')).error().what.find("neither a file system"),
        std::string::npos);
    EXPECT_FALSE(only_partition(""));
}

TEST(ImageFormat, OnePartitionOfAGptIsFoundAndDamageIsTold) {
    std::string head = head_with(510, "\x55\xaa");
    head[446 + 4] = '\xee';
    EXPECT_FALSE(only_partition(head)) << "no header";
    head.replace(512, 8, "EFI PART");
    put(head, 512 + 72, 2, 8);
    put(head, 512 + 80, 128, 4);
    put(head, 512 + 84, 128, 4);
    EXPECT_FALSE(only_partition(head)) << "empty";
    put(head, 1024, 0x1234, 8);
    put(head, 1024 + 32, 40, 8);
    put(head, 1024 + 40, 49, 8);
    ASSERT_TRUE(only_partition(head));
    EXPECT_EQ(*only_partition(head), (ImagePartition{20480, 5120}));
    for (const auto& [offset, value] :
         {std::pair<std::size_t, std::uint64_t>{72, ~std::uint64_t{0}},
          {72, 1U << 20},
          {80, 0xffffffff},
          {84, 0xffffffff},
          {84, 0}}) {
        std::string damaged = head;
        put(damaged, 512 + offset, value, offset == 72 ? 8 : 4);
        EXPECT_FALSE(only_partition(damaged)) << offset << " " << value;
    }
    put(head, 1024 + 40, 39, 8);
    EXPECT_FALSE(only_partition(head)) << "ends before it begins";
}

TEST(ExtensionRelease, IsReadAsAShellWould) {
    const ReleaseFields fields =
        read_release("# c\nID=debian\n VERSION_ID=\"12\"\nNAME='a \\b'\nX=\"a\\\"b\"\nno\n=x\n");
    EXPECT_EQ(fields.size(), 4U);
    EXPECT_EQ(fields.at("VERSION_ID"), "12");
    EXPECT_EQ(fields.at("NAME"), "a \\b");
    EXPECT_EQ(fields.at("X"), "a\"b");
}

TEST(ExtensionRelease, FitsByIdAndThenByLevelOrVersion) {
    const auto verdict = [](const std::string& extension, const std::string& host) {
        const auto fits = extension_fits(read_release(extension), read_release(host), "x86_64");
        return fits ? std::string("fits") : fits.error().what;
    };
    const std::string host = "ID=debian\nVERSION_ID=12\n";
    EXPECT_EQ(verdict("ID=_any\n", host), "fits");
    EXPECT_EQ(verdict("ID=debian\nVERSION_ID=12\n", host), "fits");
    EXPECT_EQ(
        verdict("ID=debian\nVERSION_ID=11\n", host),
        "it is made for VERSION_ID='11', and here that is '12'");
    EXPECT_EQ(verdict("ID=debian\n", host), "it is made for VERSION_ID='', and here that is '12'");
    EXPECT_EQ(
        verdict("ID=arch\nVERSION_ID=12\n", host),
        "it is made for ID='arch', and here that is 'debian'");
    EXPECT_EQ(verdict("", host), "its extension-release file has no ID=");
    EXPECT_EQ(verdict("ID=arch\n", "ID=arch\n"), "fits") << "a rolling release";
    const std::string levelled = host + "SYSEXT_LEVEL=3\n";
    EXPECT_EQ(verdict("ID=debian\nSYSEXT_LEVEL=3\nVERSION_ID=11\n", levelled), "fits");
    EXPECT_EQ(
        verdict("ID=debian\nSYSEXT_LEVEL=2\nVERSION_ID=12\n", levelled),
        "it is made for SYSEXT_LEVEL='2', and here that is '3'");
    EXPECT_EQ(verdict("ID=debian\nVERSION_ID=12\n", levelled), "fits");
    EXPECT_EQ(verdict("ID=_any\nARCHITECTURE=x86-64\n", host), "fits");
    EXPECT_EQ(verdict("ID=_any\nARCHITECTURE=_any\n", host), "fits");
    EXPECT_EQ(
        verdict("ID=_any\nARCHITECTURE=arm64\n", host),
        "it is made for ARCHITECTURE='arm64', and here that is 'x86-64'");
}

TEST(ExtensionRelease, ItsNameIsTheImagesWithoutRaw) {
    EXPECT_EQ(extension_name("/srv/heat.raw"), "heat");
    EXPECT_EQ(extension_name("/srv/heat/"), "heat");
    EXPECT_EQ(extension_name("/heat"), "heat");
}

}  // namespace
}  // namespace hearth::launch
