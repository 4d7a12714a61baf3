// SPDX-License-Identifier: MIT
//
// A file system in an image. A loop device locks its file: exclusively where it is written, so that
// no second device ever writes to the same file system; who finds it locked uses the device that is
// there. The lock belongs to the open file that the device holds and ends with the device.
#include <fcntl.h>
#include <linux/loop.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>

#include "supervisor/launch/image_format.hpp"
#include "supervisor/launch/launcher_trees.hpp"
#include "supervisor/sys/file.hpp"
#include "supervisor/sys/namespace.hpp"

namespace hearth::launch {
namespace {

constexpr std::chrono::milliseconds pause{10};
constexpr int patience = 200;  // tries; a device that ends takes the kernel a moment

struct Image {
    sys::Descriptor file;
    std::string path;
    struct stat status{};
    ImageFileSystem file_system;
    ImagePartition part;  ///< size 0: the whole
    bool writable = false;
};

Result<std::string> read_head(int file, std::uint64_t offset, const std::string& path) {
    std::string head(image_head_size, '\0');
    std::size_t done = 0;
    while (done < head.size()) {
        const ssize_t got = ::pread(
            file, head.data() + done, head.size() - done, static_cast<off_t>(offset + done));
        if (got < 0) {
            return sys::call_failure("pread", path, errno);
        }
        if (got == 0) {
            break;
        }
        done += static_cast<std::size_t>(got);
    }
    head.resize(done);
    return head;
}

Result<Image> open_image(const MountImage& wanted) {
    Image image;
    image.path = wanted.source;
    image.file = HEARTH_TRY(sys::open(wanted.source, O_RDONLY | O_NONBLOCK));
    image.status = HEARTH_TRY(sys::fstat(image.file.number()));
    if (!S_ISREG(image.status.st_mode) && !S_ISBLK(image.status.st_mode)) {
        return failure(wanted.source + " is neither a file nor a block device", EINVAL);
    }
    image.file_system =
        image_file_system(HEARTH_TRY(read_head(image.file.number(), 0, wanted.source)));
    if (image.file_system.type.empty()) {
        auto part = only_partition(HEARTH_TRY(read_head(image.file.number(), 0, wanted.source)));
        if (!part) {
            return failure(wanted.source + ": " + part.error().what, part.error().code);
        }
        image.part = *part;
        image.file_system = image_file_system(
            HEARTH_TRY(read_head(image.file.number(), part->offset, wanted.source)));
        if (image.file_system.type.empty()) {
            return failure(wanted.source + ": its partition has no file system known here", EINVAL);
        }
    }
    if (!wanted.read_only && image.file_system.writable) {
        auto writable = sys::open(wanted.source, O_RDWR | O_NONBLOCK);
        const int code = writable ? 0 : writable.error().code;
        if (writable) {
            image.file = std::move(*writable);
            image.writable = true;
        } else if (code != EROFS && code != EACCES && code != EPERM) {
            return Unexpected(std::move(writable).error());
        }
    }
    return image;
}

struct LoopDevice {
    sys::Descriptor device;
    std::string path;
};

/// The device that shows this image already, if there is one. Checked when it is open, for then it
/// can't end.
Result<std::optional<LoopDevice>> find_loop(const Image& image) {
    for (const std::string& name : HEARTH_TRY(sys::read_directory("/sys/block"))) {
        if (!name.starts_with("loop")) {
            continue;
        }
        if (!sys::stat("/sys/block/" + name + "/loop")) {
            continue;
        }
        auto device = sys::open("/dev/" + name, image.writable ? O_RDWR : O_RDONLY);
        loop_info64 info{};
        if (!device || ::ioctl(device->number(), LOOP_GET_STATUS64, &info) < 0) {
            continue;
        }
        const bool same =
            info.lo_device == image.status.st_dev && info.lo_inode == image.status.st_ino &&
            info.lo_offset == image.part.offset && info.lo_sizelimit == image.part.size;
        const bool read_only = (info.lo_flags & LO_FLAGS_READ_ONLY) != 0;
        if (same && read_only != image.writable) {
            return std::optional(LoopDevice{std::move(*device), "/dev/" + name});
        }
    }
    return std::optional<LoopDevice>();
}

Result<LoopDevice> make_loop(const Image& image) {
    auto control = sys::open("/dev/loop-control", O_RDWR);
    if (!control) {
        return failure(
            "no loop device can be had for " + image.path + ": " + control.error().what,
            control.error().code);
    }
    for (int tries = 0; tries < patience; ++tries) {
        const int number = ::ioctl(control->number(), LOOP_CTL_GET_FREE);
        if (number < 0) {
            return sys::call_failure("ioctl LOOP_CTL_GET_FREE", "/dev/loop-control", errno);
        }
        LoopDevice made;
        made.path = "/dev/loop" + std::to_string(number);
        made.device = HEARTH_TRY(sys::open(made.path, image.writable ? O_RDWR : O_RDONLY));
        loop_config configuration{};
        configuration.fd = static_cast<__u32>(image.file.number());
        configuration.info.lo_flags =
            static_cast<__u32>(LO_FLAGS_AUTOCLEAR | (image.writable ? 0 : LO_FLAGS_READ_ONLY));
        configuration.info.lo_offset = image.part.offset;
        configuration.info.lo_sizelimit = image.part.size;
        std::strncpy(
            reinterpret_cast<char*>(configuration.info.lo_file_name),
            image.path.c_str(),
            LO_NAME_SIZE - 1);
        if (::ioctl(made.device.number(), LOOP_CONFIGURE, &configuration) == 0) {
            return made;
        }
        if (errno != EBUSY) {  // somebody else took it first
            return sys::call_failure("ioctl LOOP_CONFIGURE", made.path, errno);
        }
    }
    return failure("no free loop device for " + image.path, EBUSY);
}

Result<LoopDevice> loop_of(const Image& image, const InFlight& in_flight) {
    for (int tries = 0; tries < patience && !in_flight.aborted(); ++tries) {
        const auto locked =
            sys::flock(image.file.number(), (image.writable ? LOCK_EX : LOCK_SH) | LOCK_NB);
        if (locked) {
            return make_loop(image);
        }
        if (locked.error().code != EWOULDBLOCK) {
            return Unexpected(locked.error());
        }
        if (auto found = HEARTH_TRY(find_loop(image))) {
            return std::move(*found);
        }
        std::this_thread::sleep_for(pause);
    }
    return failure(
        image.path +
            (image.writable ? " is in use elsewhere, so it can't be written to here"
                            : " is written to elsewhere") +
            ": use the option 'ro' for each of its users",
        EBUSY);
}

std::string options_of(const Image& image, const std::string& device, const MountImage& wanted) {
    std::string options = "source=" + device;
    if (!image.writable) {
        options += ",ro";
        // Of a device that can't be written to no journal can be replayed.
        options += image.file_system.journal ? ",noload" : "";
    }
    return wanted.options.empty() ? options : options + "," + wanted.options;
}

}  // namespace

Result<sys::Descriptor> mount_image(
    const MountImage& wanted, Activation& activation, const InFlight& in_flight) {
    Image image = HEARTH_TRY(open_image(wanted));
    const bool direct = S_ISBLK(image.status.st_mode) && image.part.size == 0;
    std::string device = wanted.source;
    if (!direct) {
        // Kept, so that each command of the activation has the same file system.
        const std::string slot = (image.writable ? "loop-rw:" : "loop-ro:") + wanted.source;
        if (const auto kept = activation.descriptors.find(slot);
            kept != activation.descriptors.end()) {
            device =
                HEARTH_TRY(sys::readlink("/proc/self/fd/" + std::to_string(kept->second.number())));
        } else {
            LoopDevice loop = HEARTH_TRY(loop_of(image, in_flight));
            device = loop.path;
            activation.descriptors[slot] = std::move(loop.device);
        }
    }
    image.file.reset();
    auto mounted = sys::detached_mount(
        image.file_system.type,
        options_of(image, device, wanted),
        wanted.attributes | (image.writable ? 0 : sys::MountReadOnly));
    if (!mounted && mounted.error().code == ENODEV) {
        return failure(
            "this kernel has no file system " + image.file_system.type + ", which " +
                wanted.source + " holds",
            ENODEV);
    }
    return mounted;
}

}  // namespace hearth::launch
