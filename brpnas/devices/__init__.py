"""Devices that latency tables come from: `load_devices` lists them, `get_device` finds one."""

from brpnas.devices.catalogue import Device, get_device, load_devices

__all__ = ["Device", "get_device", "load_devices"]
