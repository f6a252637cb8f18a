"""The kernel every component stands on. It knows no component; components know it."""
