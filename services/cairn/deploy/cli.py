def main() -> None:
    import sys; print(sys.argv)
