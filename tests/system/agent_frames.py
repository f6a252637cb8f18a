# Copyright: Cairn authors
# SPDX-License-Identifier: Apache-2.0
"""Frames as a guest of ill will would send them, and what of them arrives.

    agent_frames.py send INTERFACE HEX...      send these frames
    agent_frames.py hear INTERFACE SECONDS     print the marks (see `marked`) of what comes in,
                                               until one is "last"
"""

from __future__ import annotations

import re
import socket
import struct
import sys
import time
from ipaddress import ip_address

ALL = "ff:ff:ff:ff:ff:ff"
MARK = re.compile(rb"cairn<([a-z0-9-]+)>")


def marked(name: str) -> bytes:
    return b"cairn<" + name.encode() + b">"


def mac(text: str) -> bytes:
    return bytes.fromhex(text.replace(":", ""))


def ether(source: str, target: str, kind: int, content: bytes) -> bytes:
    return (mac(target) + mac(source) + struct.pack("!H", kind) + content).ljust(60, b"\0")


def checksum(data: bytes) -> int:
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def arp(frame_mac: str, claimed_mac: str, claimed_ip: str, target_ip: str, name: str) -> bytes:
    """A gratuitous claim: claimed_ip is at claimed_mac. The mark is in the padding."""
    content = struct.pack("!HHBBH", 1, 0x0800, 6, 4, 2) + mac(claimed_mac)
    content += ip_address(claimed_ip).packed + mac(ALL) + ip_address(target_ip).packed
    return ether(frame_mac, ALL, 0x0806, content + marked(name))


def udp(
    source: tuple[str, str, int], target: tuple[str, str, int], name: str
) -> bytes:
    """(mac, ip, port) to (mac, ip, port)."""
    body = marked(name)
    datagram = struct.pack("!HHHH", source[2], target[2], 8 + len(body), 0) + body
    ends = ip_address(source[1]).packed + ip_address(target[1]).packed
    if ":" in source[1]:
        sum_ = checksum(ends + struct.pack("!II", len(datagram), 17) + datagram)
        datagram = datagram[:6] + struct.pack("!H", sum_) + body
        packet = struct.pack("!IHBB", 6 << 28, len(datagram), 17, 64) + ends + datagram
        return ether(source[0], target[0], 0x86DD, packet)
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(datagram), 1, 0, 64, 17, 0) + ends
    head = head[:10] + struct.pack("!H", checksum(head)) + head[12:]
    return ether(source[0], target[0], 0x0800, head + datagram)


def packet(
    source: tuple[str, str], target: tuple[str, str], protocol: int, content: bytes, name: str
) -> bytes:
    """(mac, ip) to (mac, ip): of any protocol (or, of IPv6, with any first extension header), with
    that content before the mark."""
    body = content + marked(name)
    ends = ip_address(source[1]).packed + ip_address(target[1]).packed
    if ":" in source[1]:
        head = struct.pack("!IHBB", 6 << 28, len(body), protocol, 64) + ends
        return ether(source[0], target[0], 0x86DD, head + body)
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(body), 1, 0, 64, protocol, 0) + ends
    head = head[:10] + struct.pack("!H", checksum(head)) + head[12:]
    return ether(source[0], target[0], 0x0800, head + body)


def icmp6(source_mac: str, source: str, target: str, kind: int, body: bytes, name: str) -> bytes:
    """To a multicast address, hop limit 255."""
    message = struct.pack("!BBH", kind, 0, 0) + body + marked(name)
    ends = ip_address(source).packed + ip_address(target).packed
    sum_ = checksum(ends + struct.pack("!II", len(message), 58) + message)
    message = message[:2] + struct.pack("!H", sum_) + message[4:]
    packet = struct.pack("!IHBB", 6 << 28, len(message), 58, 255) + ends + message
    group = ip_address(target).packed[-4:].hex(":")
    return ether(source_mac, f"33:33:{group}", 0x86DD, packet)


def send(interface: str, frames: list[str]) -> None:
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as raw:
        raw.bind((interface, 0))
        for frame in frames:
            raw.send(bytes.fromhex(frame))


def hear(interface: str, seconds: float) -> None:
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)) as raw:
        raw.bind((interface, 0))
        print("listening", flush=True)
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            raw.settimeout(left)
            try:
                frame, whence = raw.recvfrom(2048)
            except TimeoutError:
                return
            found = MARK.search(frame)
            if found and whence[2] != socket.PACKET_OUTGOING:
                print(found.group(1).decode(), flush=True)
                if found.group(1) == b"last":
                    return


if __name__ == "__main__":
    if sys.argv[1] == "send":
        send(sys.argv[2], sys.argv[3:])
    else:
        hear(sys.argv[2], float(sys.argv[3]))
